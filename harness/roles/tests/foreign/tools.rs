//! Foreign programs, and what they said.

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use tokio::io::{AsyncWrite, AsyncWriteExt as _};

/// Whether a tool is not there, so that a test has to be skipped; says so where people see it.
pub(crate) fn missing(tool: &str) -> bool {
    let here = Command::new(tool)
        .arg("--version")
        .stdin(Stdio::null())
        .output()
        .is_ok();
    if here {
        return false;
    }
    let skipped = format!("skipped: {tool} not installed");
    assert!(std::env::var_os("DMCONFORM_NO_SKIPS").is_none(), "{skipped}");
    // Written past the test framework, which would keep it to itself.
    let _ = std::io::stderr().write_all(format!("{skipped}\n").as_bytes());
    true
}

/// How a program ended and what it said.
#[derive(Debug)]
pub(crate) struct Said {
    /// Its exit code.
    pub(crate) code: Option<i32>,
    /// Standard output, then standard error.
    pub(crate) text: String,
}

/// Runs a program to its end with a text on its standard input.
pub(crate) async fn run(program: &str, arguments: &[&str], input: Vec<u8>) -> Said {
    let program = program.to_owned();
    let arguments: Vec<String> = arguments.iter().map(|text| (*text).to_owned()).collect();
    let running = tokio::task::spawn_blocking(move || blocking(&program, &arguments, &input));
    let output = running.await.expect("waiting for a program does not panic");
    Said {
        code: output.status.code(),
        text: format!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        ),
    }
}

fn blocking(program: &str, arguments: &[String], input: &[u8]) -> Output {
    let mut child = Command::new(program)
        .args(arguments)
        .env("LC_ALL", "C")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program was there a moment ago");
    if let Some(mut stdin) = child.stdin.take() {
        // A program that was refused does not read to the end.
        let _ = stdin.write_all(input);
    }
    child.wait_with_output().expect("its output is readable")
}

/// Writes 100 MB, as long as the other end takes it; how much was taken.
pub(crate) async fn much(stream: &mut (impl AsyncWrite + Unpin), chunked: bool) -> usize {
    const PIECE: usize = 64 * 1024;
    let filler = vec![b'x'; PIECE];
    let piece = if chunked {
        [b"10000\r\n".as_slice(), &filler, b"\r\n"].concat()
    } else {
        filler
    };
    let mut written = 0;
    while written < 100 * 1024 * 1024 {
        if stream.write_all(&piece).await.is_err() {
            break;
        }
        written += PIECE;
    }
    written
}

/// A stream of gzip that is shorter than any limit and unpacks to 103 MB. That its checksum is wrong shows at the end only.
pub(crate) fn gzip_bomb() -> Vec<u8> {
    const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    // With the fixed codes of RFC 1951 3.2.6: the last block, which is of these; an `x`; 258 more of what is one octet back, again
    // and again; the end.
    let again = "1100010100000".repeat(400_000);
    let bits = ["1", "10", "10101000", &again, "0000000"].concat();
    let octets = bits.as_bytes().chunks(8).map(|bits| {
        let set = bits.iter().enumerate().filter(|(_, bit)| **bit == b'1');
        set.fold(0, |octet, (place, _)| octet | 1 << place)
    });
    HEADER.into_iter().chain(octets).chain([0; 8]).collect()
}

/// This process has never needed as much memory as one of the bodies that it was sent (100 MB) beside what its tests need together, which
/// is 60 MB where they go one after the other.
pub(crate) fn assert_memory_is_bounded() {
    // Elsewhere than on Linux there is no such file.
    let Ok(status) = std::fs::read_to_string("/proc/self/status") else {
        return;
    };
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak = peak.and_then(|peak| peak.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    let peak = peak.expect("Linux tells the peak in kB");
    assert!(peak < 150 * 1024, "the tests have needed {peak} kB at once");
}
