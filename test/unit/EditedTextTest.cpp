// Edits of an input of several lines, and the history that keeps it whole.
#include "tools/LineEditor.h"

#include "runtime/Files.h"

#include <cstdio>
#include <gtest/gtest.h>
#include <unistd.h>

using namespace dlc;

TEST(EditedText, CharactersAreNotCutInBytes) {
  EditedText text;
  text.set("aβ");
  text.left();
  EXPECT_EQ(text.cursor(), 1u);
  text.insert("€");
  text.eraseRight();
  EXPECT_EQ(text.text(), "a€");
  text.eraseLeft();
  EXPECT_EQ(text.text(), "a");
  text.eraseRight();
  text.eraseLeft();
  text.eraseLeft();
  EXPECT_EQ(text.text(), "");
}

TEST(EditedText, UpAndDownKeepTheColumn) {
  EditedText text;
  text.set("long line\nab\n");
  EXPECT_TRUE(text.up());
  text.lineEnd();
  EXPECT_TRUE(text.up());
  EXPECT_EQ(text.cursor(), 2u);
  EXPECT_FALSE(text.up());
  text.lineEnd();
  EXPECT_TRUE(text.down());
  EXPECT_EQ(text.cursor(), 12u); // the end of the shorter line
  EXPECT_TRUE(text.down());
  EXPECT_FALSE(text.down());
  EXPECT_TRUE(text.onLastLine());
}

TEST(EditedText, WordsAndLinesAreCutAndPasted) {
  EditedText text;
  text.set("let x = foo(bar)\nnext");
  text.wordLeft();
  EXPECT_EQ(text.cursor(), 17u);
  text.cutLineEnd();
  EXPECT_EQ(text.text(), "let x = foo(bar)\n");
  text.left();
  text.cutWordLeft();
  EXPECT_EQ(text.text(), "let x = foo(\n");
  text.lineBegin();
  text.paste();
  EXPECT_EQ(text.text(), "bar)let x = foo(\n");
  text.cutLineBegin();
  EXPECT_EQ(text.text(), "let x = foo(\n");
  text.wordRight();
  EXPECT_EQ(text.cursor(), 3u);
}

TEST(InputHistory, KeepsInputsOfSeveralLines) {
  std::string path = testing::TempDir() + "history" + std::to_string(getpid());
  const std::string function = "fn f(x) {\n  \"a\\n\"\n}";
  {
    InputHistory history(path);
    EXPECT_TRUE(history.inputs().empty());
    history.add(function);
    history.add(function); // once
    history.add(" ");
    history.add("f(1)");
  }
  EXPECT_EQ(InputHistory(path).inputs(), (std::vector<std::string>{function, "f(1)"}));
  std::remove(path.c_str());
  InputHistory nowhere("/nonexistent/history");
  nowhere.add("1");
  EXPECT_EQ(nowhere.inputs().size(), 1u);
}
