// Completion goes by tokens, for what is typed is seldom a whole program.
#include "tools/Completion.h"

#include "frontend/elaborate/Describe.h"
#include "frontend/syntax/Lexer.h"

#include <algorithm>
#include <filesystem>

namespace dlc {

/// Files and folders that begin as `typed`, looked up where data is.
static std::vector<std::string> files(const SearchPaths &paths, const std::string &typed) {
  namespace fs = std::filesystem;
  size_t slash = typed.rfind('/');
  std::string folder = slash == std::string::npos ? "" : typed.substr(0, slash + 1);
  std::vector<fs::path> places;
  if (folder.starts_with("/"))
    places.push_back(folder);
  else
    for (const std::string &place : paths.folders)
      places.push_back(fs::path(place.empty() ? "." : place) / folder);
  std::vector<std::string> found;
  for (const fs::path &place : places) {
    std::error_code error;
    for (fs::directory_iterator entry(place, error), end; !error && entry != end; entry.increment(error)) {
      std::string name = entry->path().filename().string();
      std::error_code ignored;
      // Hidden ones when a dot is typed.
      if (!name.starts_with(".") || typed.size() > folder.size())
        found.push_back(folder + name + (entry->is_directory(ignored) ? "/" : ""));
    }
  }
  return found;
}

namespace {
/// The tokens before the cursor.
class Context {
public:
  Context(Session &session, std::string before) : session(session), text(std::move(before)), diagnostics(sources) {
    stream = lex(sources, sources.add("", text), diagnostics);
    stream.tokens.pop_back(); // End
    for (uint32_t i = 0; i < stream.tokens.size(); ++i)
      if (isOpener(kind(i)) && stream.tokens[i].partner == Token::none)
        open.push_back(i);
  }

  /// Names that a value's dot may be followed by, for the path that ends at the last token, a dot.
  std::vector<std::string> members() {
    std::string path = pathBefore(uint32_t(stream.tokens.size()) - 1);
    std::optional<Value> value = path.empty() ? std::nullopt : valueAt(*session.elaborator, path);
    return value ? memberNames(*value) : std::vector<std::string>();
  }

  /// Argument names, settings, columns; with `all` also names in scope and words of the language.
  std::vector<std::string> names(bool all) {
    std::vector<std::string> found;
    if (!open.empty() && kind(open.back()) == TokenKind::LParen)
      addArguments(found);
    for (uint32_t brace : open)
      if (kind(brace) == TokenKind::LBrace)
        addTraining(found, brace);
    if (!all)
      return found;
    for (std::string &name : session.elaborator->namesInScope())
      found.push_back(std::move(name));
    for (const char *word : {"let", "var",  "fn",  "model", "data",  "train",    "optimizer", "derivative",
                             "if",  "else", "for", "while", "break", "continue", "true",      "false",
                             "in",  "f32",  "f64", "i32",   "i64",   "u8",       "bool",      "bf16"})
      found.push_back(word);
    addTyped(found);
    // In a training it is a setting.
    if (std::find(found.begin(), found.end(), "optimizer: ") != found.end())
      std::erase(found, "optimizer");
    return found;
  }

private:
  TokenKind kind(uint32_t i) const { return stream.tokens[i].kind; }
  std::string spelled(uint32_t i) const {
    return text.substr(stream.tokens[i].begin, stream.tokens[i].end - stream.tokens[i].begin);
  }
  /// `net.fc1` of the names and dots that end before token `end`; "" when something else stands there.
  std::string pathBefore(uint32_t end) const {
    std::string path;
    for (uint32_t i = end; i-- > 0;) {
      bool isName = stream.tokens[i].isWord() || kind(i) == TokenKind::Integer;
      if (!isName)
        return "";
      path = spelled(i) + path;
      if (i == 0 || kind(i - 1) != TokenKind::Dot)
        return stream.tokens[i].isWord() ? path : "";
      path = "." + path;
      --i;
    }
    return "";
  }

  void addArguments(std::vector<std::string> &found) {
    std::string path = pathBefore(open.back());
    std::optional<Value> callee = path.empty() ? std::nullopt : valueAt(*session.elaborator, path);
    if (!callee)
      return;
    std::set<std::string> given;
    for (uint32_t i = open.back() + 1; i + 1 < stream.tokens.size(); ++i)
      if (stream.tokens[i].isWord() && kind(i + 1) == TokenKind::Colon)
        given.insert(spelled(i));
    for (const std::string &name : parameterNames(*callee))
      if (!given.count(name) && !name.empty() && name != "_" && name != "*")
        found.push_back(name + ": ");
  }

  /// In the braces of a `train`: its settings, and the columns of its data set.
  void addTraining(std::vector<std::string> &found, uint32_t brace) {
    uint32_t begin = brace;
    while (begin > 0 && spelled(begin) != "train" && kind(begin - 1) != TokenKind::LBrace &&
           kind(begin - 1) != TokenKind::Semicolon)
      --begin;
    if (spelled(begin) != "train")
      return;
    if (brace == open.back()) {
      found.insert(found.end(), {"minimize ", "report "});
      for (const std::string &setting : trainSettingNames())
        found.push_back(setting + ": ");
    }
    std::string name = begin + 1 < brace ? spelled(begin + 1) : "";
    found.push_back(name);
    for (uint32_t i = begin; i + 1 < brace; ++i)
      if (spelled(i) == "on")
        if (std::optional<Value> data = valueAt(*session.elaborator, pathBefore(brace));
            data && data->kind == Value::Data)
          for (const DataInfo::Field &field : data->data->fields)
            found.push_back(field.name);
  }

  /// What the input itself defines: behind `let`, `var` and `for`, and parameters.
  void addTyped(std::vector<std::string> &found) {
    for (uint32_t i = 0; i + 1 < stream.tokens.size(); ++i) {
      std::string word = stream.tokens[i].isWord() ? spelled(i) : "";
      bool defines = word == "let" || word == "var" || word == "for" || word == "fn" || word == "model";
      if (defines && stream.tokens[i + 1].isWord() && i + 2 < stream.tokens.size())
        found.push_back(spelled(i + 1));
      if ((word == "fn" || word == "model") && i + 2 < stream.tokens.size() && kind(i + 2) == TokenKind::LParen)
        for (uint32_t j = i + 3; j < stream.tokens.size() && kind(j) != TokenKind::RParen; ++j)
          if (stream.tokens[j].isWord() && (kind(j - 1) == TokenKind::LParen || kind(j - 1) == TokenKind::Comma))
            found.push_back(spelled(j));
    }
  }

  Session &session;
  SourceManager sources;
  std::string text;
  DiagnosticEngine diagnostics;
  TokenStream stream;
  std::vector<uint32_t> open; ///< brackets without a partner
};
} // namespace

/// Where the string begins that the end of a text stands in, behind its quote; nothing outside of strings, or in a comment.
static std::optional<size_t> stringAt(const std::string &text, bool &inComment) {
  std::optional<size_t> begin;
  inComment = false;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (inComment)
      inComment = c != '\n';
    else if (begin && c == '\\')
      ++i;
    else if (begin && (c == '"' || c == '\n'))
      begin.reset();
    else if (begin)
      continue;
    else if (c == '"')
      begin = i + 1;
    else
      inComment = text.compare(i, 2, "//") == 0;
  }
  return begin;
}

Completions completionsAt(Session &session, const std::string &text, size_t cursor) {
  Completions result;
  std::string before = text.substr(0, cursor);
  std::vector<std::string> found;
  size_t first = before.find_first_not_of(" \t\n"), space = std::string::npos;
  bool isCommand = first != std::string::npos && before[first] == ':';
  if (isCommand)
    space = before.find(' ', first);
  std::string word = isCommand ? before.substr(first, space == std::string::npos ? space : space - first) : "";
  bool inComment = false;
  std::optional<size_t> string = stringAt(before, inComment);
  if (isCommand && space == std::string::npos) {
    result.begin = first;
    for (const PromptCommand &command : promptCommands())
      found.push_back(command.name + std::string(*command.argument ? " " : ""));
  } else if (isCommand && (word == ":load" || word == ":save")) {
    result.begin = before.find_first_not_of(' ', space);
    result.begin = std::min(result.begin, before.size());
    found = files({{""}}, before.substr(result.begin));
  } else if (inComment) {
    return result;
  } else if (string) {
    result.begin = *string;
    found = files(session.dataPaths(), before.substr(*string));
  } else {
    result.begin = cursor;
    while (result.begin > 0 && isOfWord(before[result.begin - 1]))
      --result.begin;
    bool isNumber = result.begin < cursor && isdigit(static_cast<unsigned char>(before[result.begin]));
    bool isMember = result.begin > 0 && before[result.begin - 1] == '.';
    if (isNumber)
      return result;
    Context context(session, before.substr(isCommand ? space : 0, result.begin - (isCommand ? space : 0)));
    // Nothing is listed before a letter, but for what a dot or a bracket asks for.
    bool asked =
        isMember || (result.begin > 0 && before.find_last_not_of(" \n", result.begin - 1) != std::string::npos &&
                     std::string_view("({,").find(before[before.find_last_not_of(" \n", result.begin - 1)]) !=
                         std::string_view::npos);
    if (result.begin == cursor && !asked && !isCommand)
      return result;
    found = isMember ? context.members() : context.names(result.begin < cursor || isCommand);
  }
  std::string typed = before.substr(result.begin);
  for (const std::string &name : found)
    if (name.starts_with(typed) && name != typed)
      result.choices.push_back(name);
  std::sort(result.choices.begin(), result.choices.end());
  result.choices.erase(std::unique(result.choices.begin(), result.choices.end()), result.choices.end());
  return result;
}

} // namespace dlc
