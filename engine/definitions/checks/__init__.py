"""What can be proved of a bundle before it is deployed: soundness and local rules. Pure, and bounded in steps."""
