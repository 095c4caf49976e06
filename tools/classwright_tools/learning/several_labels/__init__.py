"""Training where rows have several labels: one classifier a label, calibrated, with a threshold a label."""
