// Boost.JSON compiled once, as proxy/boost.cpp has it with the rest of Boost.
#include <boost/json/src.hpp>
