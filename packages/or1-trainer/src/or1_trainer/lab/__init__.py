"""The test bed of the studies: lettered sums, and a demonstrator who solves each of them in many ways."""
