"""The built-in actions, one file each: prompt, output model, function. They return outcomes and write nothing."""
