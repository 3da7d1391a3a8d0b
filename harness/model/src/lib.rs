//! The words of server delegation testing, as types.
