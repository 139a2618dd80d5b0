"""What follows from a reading: deliveries, credentials and what they cost, pure functions to facts with places."""
