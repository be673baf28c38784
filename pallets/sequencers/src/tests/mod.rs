mod calendar;
mod coinbase;
mod liveness;
