"""What is grasped: one file per object family."""
