//! Randomness of the operating system.

use zeroize::Zeroizing;

use super::PlatformError;

/// Draws `N` random bytes, erased when dropped.
///
/// # Errors
/// `Missing` where the browser gives none.
pub fn random<const N: usize>() -> Result<Zeroizing<[u8; N]>, PlatformError> {
    let mut bytes = Zeroizing::new([0; N]);
    getrandom::fill(bytes.as_mut_slice()).map_err(|_| PlatformError::Missing("random source"))?;
    Ok(bytes)
}
