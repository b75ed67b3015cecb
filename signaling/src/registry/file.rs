//! The registry's file, and its reopening. After a failed write redb refuses everything, reads too, until the file is opened
//! again: a disk that was full for a moment would end all lookups until somebody restarts the server.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use redb::{Database, DatabaseError};

use super::RegistryError;

/// What the cache may take in bytes: the hot pages of a hundred thousand names.
const CACHE_BYTES: usize = 32 * 1024 * 1024;
/// Least time between two reopenings: each one repairs the file, which reads all of it.
const REOPEN_EVERY: Duration = Duration::from_secs(1);

/// The file, open or waiting to be opened again.
pub(super) struct DatabaseFile {
    path: PathBuf,
    open: RwLock<Option<Open>>,
    /// The last reopening: which one it was, and when.
    reopened: Mutex<(u64, Option<Instant>)>,
}

struct Open {
    /// Which opening this is, so that a late failure of an earlier one does not close it.
    turn: u64,
    database: Database,
}

impl DatabaseFile {
    /// Opens or makes the file.
    ///
    /// # Errors
    /// `InUse` while another process has it open, else what the disk says.
    pub(super) fn open(path: &Path) -> Result<Self, RegistryError> {
        let open = Open { turn: 0, database: database(path)? };
        Ok(Self { path: path.to_owned(), open: RwLock::new(Some(open)), reopened: Mutex::new((0, None)) })
    }

    /// Does `work` if the file is open; never waits for a reopening.
    ///
    /// # Errors
    /// What `work` says, or `Closed`. After a failure of the disk the file is closed.
    pub(super) fn with_open<T>(
        &self,
        work: impl FnOnce(&Database) -> Result<T, RegistryError>,
    ) -> Result<T, RegistryError> {
        let (turn, done) = {
            let open = self.open.read().unwrap_or_else(PoisonError::into_inner);
            let Some(Open { turn, database }) = &*open else { return Err(RegistryError::Closed) };
            (*turn, work(database))
        };
        if matches!(done, Err(RegistryError::Storage(_))) {
            let mut open = self.open.write().unwrap_or_else(PoisonError::into_inner);
            if open.as_ref().is_some_and(|open| open.turn == turn) {
                *open = None;
            }
        }
        done
    }

    /// Does `work`, opening the file again where an earlier failure has closed it.
    ///
    /// # Errors
    /// As [`DatabaseFile::with_open`], or what the reopening says.
    pub(super) fn with<T>(
        &self,
        work: impl FnOnce(&Database) -> Result<T, RegistryError>,
    ) -> Result<T, RegistryError> {
        self.reopen()?;
        self.with_open(work)
    }

    fn is_open(&self) -> bool {
        self.open.read().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    fn reopen(&self) -> Result<(), RegistryError> {
        if self.is_open() {
            return Ok(());
        }
        let mut reopened = self.reopened.lock().unwrap_or_else(PoisonError::into_inner);
        if self.is_open() {
            return Ok(());
        }
        let (turn, at) = *reopened;
        if at.is_some_and(|at| at.elapsed() < REOPEN_EVERY) {
            return Err(RegistryError::Closed);
        }
        *reopened = (turn + 1, Some(Instant::now()));
        let database = database(&self.path)?;
        tracing::warn!("the registry was opened again after a failure of the disk");
        *self.open.write().unwrap_or_else(PoisonError::into_inner) = Some(Open { turn: turn + 1, database });
        Ok(())
    }
}

fn database(path: &Path) -> Result<Database, RegistryError> {
    // redb itself would make a new file readable for everybody.
    let private = OpenOptions::new().append(true).create(true).mode(0o600).open(path);
    private.map_err(|error| RegistryError::Storage(Box::new(redb::Error::Io(error))))?;
    match Database::builder().set_cache_size(CACHE_BYTES).create(path) {
        Err(DatabaseError::DatabaseAlreadyOpen) => Err(RegistryError::InUse),
        other => Ok(other?),
    }
}
