"""Search of a method's settings without the truth: the space, the measure, the study and its trials."""
