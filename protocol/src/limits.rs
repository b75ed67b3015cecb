//! Every bound of the core, in one place, with what happens at the bound.
