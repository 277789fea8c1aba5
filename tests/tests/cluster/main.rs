//! A cluster as operators run it: three NATS servers and two nodes, as `scripts/cluster` starts them.

mod carrying;
mod people;
mod publishing;
mod running;
mod signing;
