"""What the object library holds, as pictures and figures."""
