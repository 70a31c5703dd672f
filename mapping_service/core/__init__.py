"""What the mapping service decides: pure, without I/O, clocks or chance."""
