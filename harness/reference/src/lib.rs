//! A reference implementation of the four roles, with named deviations.
