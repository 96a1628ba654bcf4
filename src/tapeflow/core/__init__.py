"""What flows: dtypes, shapes, tensors, variables, nested structures and the errors about them."""
