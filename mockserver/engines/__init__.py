"""What hears and what speaks: the protocols, and the engines behind them."""
