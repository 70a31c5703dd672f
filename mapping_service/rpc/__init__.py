"""The mapping service on the wire: servicers of a few lines each, and what translates for them."""
