//! The server's directory: the authority's key and certificate, the registry, the operator's requests. Mode 0700.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use b4_protocol::crypto::native::SigningKey;
use b4_protocol::crypto::{KeyError, Rng};
use b4_protocol::identity::{AnchorError, Issuer, IssuerError, TrustAnchor};

/// Size of the authority's key (PROTOCOL.md#certificates).
const KEY_BITS: usize = 3_072;

/// Why the directory cannot be used; each names its remedy.
#[derive(Debug, thiserror::Error)]
pub enum DataDirError {
    /// It cannot be made or written.
    #[error("{path} cannot be written ({error}): give --data a directory that this user may write")]
    NotWritable {
        /// What could not be written.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// A file cannot be read.
    #[error("{path} cannot be read ({error}): check its owner and mode")]
    NotReadable {
        /// What could not be read.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// The key file is not a key.
    #[error("{path} is not an RSA key ({error}): restore it from a backup, or move all of the directory away to found a new authority")]
    BadKey {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        error: KeyError,
    },
    /// The certificate is not the authority's.
    #[error("{path} is not the authority's certificate ({error}): delete it, it will be made anew from the key")]
    BadCertificate {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        error: AnchorError,
    },
    /// The certificate is of another key.
    #[error("{path} belongs to another key: restore the key from a backup, or delete the certificate if the key is the right one")]
    OtherKey {
        /// The certificate's file.
        path: PathBuf,
    },
    /// There are names but no key to vouch for them.
    #[error("{path} is missing though the registry beside it is in use: restore it from a backup, or move all of the directory away to found a new authority")]
    LostKey {
        /// The key's file.
        path: PathBuf,
    },
}

/// The directory, made if it was not there.
#[derive(Clone, Debug)]
pub struct DataDir {
    root: PathBuf,
}

impl DataDir {
    /// Opens or makes the directory and the one for requests in it.
    ///
    /// # Errors
    /// `NotWritable`.
    pub fn open(root: &Path) -> Result<Self, DataDirError> {
        let dir = Self { root: root.to_owned() };
        for path in [dir.root.clone(), dir.requests()] {
            let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(&path);
            made.map_err(|error| DataDirError::NotWritable { path: path.clone(), error })?;
        }
        let probe = dir.root.join(".probe");
        write_private(&probe, b"").map_err(|error| DataDirError::NotWritable { path: root.to_owned(), error })?;
        fs::remove_file(&probe).map_err(|error| DataDirError::NotWritable { path: probe, error })?;
        Ok(dir)
    }

    /// Opens a directory that a server has used; `None` for any other, which is left as it is.
    ///
    /// # Errors
    /// `NotWritable`.
    pub fn in_use(root: &Path) -> Result<Option<Self>, DataDirError> {
        let used = Self { root: root.to_owned() }.registry().is_file();
        used.then(|| Self::open(root)).transpose()
    }

    /// The registry's file.
    pub fn registry(&self) -> PathBuf {
        self.root.join("registry.redb")
    }

    /// Where the operator's requests are put while the server runs.
    pub fn requests(&self) -> PathBuf {
        self.root.join("requests")
    }

    fn key(&self) -> PathBuf {
        self.root.join("authority.key.der")
    }

    fn certificate(&self) -> PathBuf {
        self.root.join("authority.der")
    }

    /// The authority kept here; at first start it is founded, its key in a file of mode 0600. `is_used`: whether the registry
    /// beside it knows of one, which cannot be founded twice.
    ///
    /// # Errors
    /// See [`DataDirError`].
    pub fn issuer(&self, rng: &mut Rng, now_ms: u64, is_used: bool) -> Result<Issuer, DataDirError> {
        let (key_path, path) = (self.key(), self.certificate());
        let key = match read(&key_path)? {
            Some(der) => {
                tighten(&key_path)?;
                let bad = |error| DataDirError::BadKey { path: key_path.clone(), error };
                SigningKey::from_pkcs8_der(&der).map_err(bad)?
            }
            None if is_used => return Err(DataDirError::LostKey { path: key_path }),
            None => {
                let key = SigningKey::generate(rng, KEY_BITS);
                self.keep(&key_path, &key.to_pkcs8_der())?;
                key
            }
        };
        match read(&path)? {
            Some(der) => Issuer::from_parts(key, &der).map_err(|error| match error {
                IssuerError::Anchor(error) => DataDirError::BadCertificate { path, error },
                IssuerError::OtherKey => DataDirError::OtherKey { path },
            }),
            None => {
                let issuer = Issuer::found(key, rng, now_ms);
                self.keep(&path, issuer.anchor().der())?;
                Ok(issuer)
            }
        }
    }

    /// Puts an authority into a directory that has none: for tests, whose keys are ready-made.
    ///
    /// # Errors
    /// `NotWritable`.
    pub fn adopt(&self, issuer: &Issuer) -> Result<(), DataDirError> {
        self.keep(&self.key(), &issuer.key().to_pkcs8_der())?;
        self.keep(&self.certificate(), issuer.anchor().der())
    }

    /// The authority's certificate, if it has been founded.
    pub fn anchor(&self) -> Option<TrustAnchor> {
        TrustAnchor::from_der(&fs::read(self.certificate()).ok()?).ok()
    }

    fn keep(&self, path: &Path, bytes: &[u8]) -> Result<(), DataDirError> {
        let temporary = path.with_extension("new");
        let kept = write_private(&temporary, bytes)
            .and_then(|()| fs::rename(&temporary, path))
            .and_then(|()| fs::File::open(&self.root)?.sync_all());
        kept.map_err(|error| DataDirError::NotWritable { path: path.to_owned(), error })
    }
}

fn read(path: &Path) -> Result<Option<zeroize::Zeroizing<Vec<u8>>>, DataDirError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(zeroize::Zeroizing::new(bytes))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(DataDirError::NotReadable { path: path.to_owned(), error }),
    }
}

fn tighten(path: &Path) -> Result<(), DataDirError> {
    let tightened = fs::set_permissions(path, fs::Permissions::from_mode(0o600));
    tightened.map_err(|error| DataDirError::NotWritable { path: path.to_owned(), error })
}

/// Writes a file of mode 0600 and waits until it is on the disk.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = fs::OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use b4_protocol::identity::testing::{NOW_MS, TestAuthority};

    #[test]
    fn the_authority_is_kept_privately_and_taken_up_again() {
        let temporary = tempfile::tempdir().expect("a temporary directory");
        let dir = DataDir::open(&temporary.path().join("data")).expect("made");
        let authority = TestAuthority::new([1; 32]);
        dir.adopt(authority.issuer()).expect("kept");
        let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
        assert_eq!((mode(&dir.root), mode(&dir.key())), (0o700, 0o600));
        fs::set_permissions(dir.key(), fs::Permissions::from_mode(0o644)).expect("set");
        let mut rng = Rng::from_seed([2; 32]);
        let issuer = dir.issuer(&mut rng, NOW_MS, true).expect("taken up");
        assert_eq!(issuer.anchor().pin(), authority.anchor().pin());
        assert_eq!(mode(&dir.key()), 0o600, "a mode that was loosened is tightened again");
        assert_eq!(dir.anchor().expect("there").pin(), issuer.anchor().pin());
    }

    #[test]
    fn a_damaged_directory_is_refused_with_its_remedy() {
        let temporary = tempfile::tempdir().expect("a temporary directory");
        let dir = DataDir::open(temporary.path()).expect("made");
        let mut rng = Rng::from_seed([2; 32]);
        dir.adopt(TestAuthority::new([1; 32]).issuer()).expect("kept");
        let stranger = TestAuthority::stranger([1; 32]);
        fs::write(dir.certificate(), stranger.anchor().der()).expect("written");
        assert!(matches!(dir.issuer(&mut rng, NOW_MS, true), Err(DataDirError::OtherKey { .. })));
        fs::write(dir.certificate(), b"no").expect("written");
        assert!(matches!(dir.issuer(&mut rng, NOW_MS, true), Err(DataDirError::BadCertificate { .. })));
        fs::write(dir.key(), b"no").expect("written");
        assert!(matches!(dir.issuer(&mut rng, NOW_MS, true), Err(DataDirError::BadKey { .. })));
        fs::remove_file(dir.key()).expect("removed");
        assert!(matches!(dir.issuer(&mut rng, NOW_MS, true), Err(DataDirError::LostKey { .. })));
        let file = temporary.path().join("file");
        fs::write(&file, b"").expect("written");
        assert!(matches!(DataDir::open(&file), Err(DataDirError::NotWritable { .. })));
    }
}
