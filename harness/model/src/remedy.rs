//! What to do where the operating system refuses something: no room, no rights, no more open files.

use std::io::{Error, ErrorKind};

/// What whoever started the harness can do about a file, a socket or a process that could not be had. It fits after a semicolon.
pub fn remedy(error: &Error) -> &'static str {
    if is_out_of_files(error) {
        return "raise the limit of open files (`ulimit -n`), or let fewer cases run at once with --jobs";
    }
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
            "make room there, or choose another directory with --out"
        }
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            "choose a directory with --out that this user may write to"
        }
        ErrorKind::NotFound | ErrorKind::NotADirectory => {
            "was a directory moved or removed? leave those of a run alone while it goes on"
        }
        ErrorKind::AddrInUse => "free the port, or let the harness choose one",
        ErrorKind::AddrNotAvailable => {
            "is it an address of this machine? if so, no port may be left: let fewer cases run at once with --jobs"
        }
        _ => "is the machine in order?",
    }
}

/// Whether this process, or the whole machine, may open no more files and sockets.
pub fn is_out_of_files(error: &Error) -> bool {
    // ENFILE and EMFILE, which have no kind of their own, are the same on every Unix; the other is Windows' WSAEMFILE.
    match error.raw_os_error() {
        Some(23 | 24) => cfg!(unix),
        Some(10024) => cfg!(windows),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn what_the_system_refuses_comes_with_what_to_do() {
        let told = |number| remedy(&Error::from_raw_os_error(number));
        assert!(told(24).contains("ulimit -n"));
        assert!(told(28).contains("make room"));
        assert!(told(13).contains("may write to"));
        assert!(told(2).contains("removed"));
    }
}
