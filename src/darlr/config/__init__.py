"""Settings: what can be set (`schema`) and how it is read, checked and hashed (`loading`)."""
