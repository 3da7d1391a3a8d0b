//! The embedded suite can be read, and holds together.

use dmconform_case::Suite;
use dmconform_case::suite::embedded_files;

#[test]
fn the_embedded_suite_is_readable() {
    if let Err(problems) = Suite::load(embedded_files().iter().copied()) {
        let texts: Vec<_> = problems.iter().map(|problem| problem.rendered.as_str()).collect();
        panic!("{}", texts.join("\n\n"));
    }
}
