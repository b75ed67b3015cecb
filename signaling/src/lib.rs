//! The relay and the certificate authority of B4 (PROTOCOL.md#enrolment, PROTOCOL.md#relay), as a library: the binary, the
//! whole-product tests and the simulator all start here.
//!
//! `relay` and `authority` are pure; `registry`, `data_dir` and `operator` know the disk; `http`, `holding`, `app_host`, `socket`,
//! `patience` and `server` know the network, `open_files` the process's limit. Nothing here can read what users say to each other.

pub mod limits;

pub mod pace;

pub mod relay;

pub mod authority;

pub mod registry;

pub mod data_dir;

pub mod revocation;

pub mod operator;

pub mod enrolment;

pub mod origin;

pub mod clock;

pub mod open_files;

mod socket;

mod patience;

mod metrics;

mod http;

mod holding;

mod app_host;

pub mod server;
