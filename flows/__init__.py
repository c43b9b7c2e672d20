"""What happens: order, input, output and time."""
