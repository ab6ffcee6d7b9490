"""Loggers that copy a run's numbers from metrics.jsonl, the authoritative file: TensorBoard, MLflow, Weights & Biases."""
