//! The binary `dmconform`.

fn main() {}
