"""The robots that have names: what each is made of."""
