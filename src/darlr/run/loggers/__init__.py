"""Where a run's numbers go beside metrics.jsonl, which stays what counts: TensorBoard, MLflow, Weights & Biases."""
