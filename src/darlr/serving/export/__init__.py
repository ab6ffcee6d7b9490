"""Export of a policy as one ONNX file, which onnxruntime runs without darlr and torch (docs/export.md)."""
