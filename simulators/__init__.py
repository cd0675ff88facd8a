"""Sources of input for a ward that has no patients: recordings played back, and simulated physiology."""
