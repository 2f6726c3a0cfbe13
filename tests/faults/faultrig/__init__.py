"""What the fault scenarios stand on: a load whose every answer is judged, an origin, measurements, a report."""
