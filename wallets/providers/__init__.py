"""Payment providers: who moves money between the house and the world."""
