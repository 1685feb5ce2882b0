//! Single logout: the coordinator and the participant as pure state machines.
