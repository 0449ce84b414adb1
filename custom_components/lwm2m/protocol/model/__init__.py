"""What objects and resources are: the OMA registry's facts and a user's own objects."""
