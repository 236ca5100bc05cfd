"""Where messages wait until their receivers acknowledge them."""
