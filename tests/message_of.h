// What an action throws.
#pragma once

#include <gtest/gtest.h>

#include <exception>
#include <string>

namespace colmatch {

// Runs the action, expects the exception and hands back its text for further checks.
template <typename Exception, typename Action>
std::string MessageOf(const Action& action) {
  try {
    action();
  } catch (const Exception& error) {
    return error.what();
  } catch (const std::exception& error) {
    ADD_FAILURE() << "another exception: " << error.what();
    return "";
  }
  ADD_FAILURE() << "no exception";
  return "";
}

}  // namespace colmatch
