"""A world model with closed-form posteriors: a user's rewards are linear in a few factors of the user and of the item."""
