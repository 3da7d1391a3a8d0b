//! Reads what people write (procedure, requirements, cases, profiles, implementation files) with located errors,
//! and resolves it into the types that the judge and the mock roles use.

pub mod document;
pub mod field;
pub mod implementation;
pub mod procedure;
pub mod profile;
pub mod test_case;
