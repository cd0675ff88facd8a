"""LeMoF's rivals behind one interface, trained on the same people, features and steps."""
