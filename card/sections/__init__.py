"""The card's sections: each a function from what was counted to Markdown."""
