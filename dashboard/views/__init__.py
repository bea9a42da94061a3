"""Views speak HTTP and decide nothing: guard, one service, render."""
