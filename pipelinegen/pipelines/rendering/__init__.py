"""From the model to files: one template engine, one escape filter for each language, one module for each CI system."""
