"""What reads and writes what: relations, dependences, extents, uniformity. The only room that imports islpy."""
