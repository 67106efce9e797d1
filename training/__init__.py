"""How to learn: one runnable file per recipe."""
