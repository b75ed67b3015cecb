//! Tests of the holder.
