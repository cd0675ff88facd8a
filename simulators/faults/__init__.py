"""What goes wrong between a bed and its predictions, on purpose and by a seed: messages, devices and processes."""
