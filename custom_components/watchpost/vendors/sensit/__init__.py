"""SENSIT Connect: gas and air monitors of the types FMD, SPOD and RAMP."""
