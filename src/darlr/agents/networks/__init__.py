"""What agents are built of: state trackers and the encoder behind them."""
