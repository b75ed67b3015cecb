//! Names, certificates and who may issue them.
