"""What follows from a reading: deliveries, credentials, and what they cost, each a pure function to facts with places."""
